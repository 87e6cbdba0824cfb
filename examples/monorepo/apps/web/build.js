"use strict";

const fs = require("fs");
const { page } = require("./page.js");

fs.mkdirSync("dist", { recursive: true });
fs.writeFileSync("dist/index.html", page("martlet"));
