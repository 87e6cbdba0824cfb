"use strict";

const assert = require("assert");
const { escape, heading } = require("./index.js");

assert.strictEqual(escape('<a href="x">&</a>'), "&lt;a href=&quot;x&quot;&gt;&amp;&lt;/a&gt;");
assert.strictEqual(heading("hello, swift & martlet"), "<h1>Hello, Swift &amp; Martlet</h1>");
console.log("ok");
