"use strict";

const { escape, heading } = require("@example/text");

/** A page that greets `name`. */
exports.page = (name) => `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>${escape(name)}</title>
${heading(`hello, ${name}`)}
</html>
`;
