"use strict";

const title = require("tiny-title");

const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text as the content of an HTML element. */
exports.escape = (text) => text.replace(/[&<>"]/g, (character) => names[character]);

/** An HTML heading in title case. */
exports.heading = (text) => `<h1>${exports.escape(title(text))}</h1>`;
