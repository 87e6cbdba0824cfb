"use strict";

const assert = require("assert");
const { page } = require("./page.js");

assert(page("martlet").includes("<h1>Hello, Martlet</h1>"));
assert(!page("<script>").includes("<script>"));
console.log("ok");
