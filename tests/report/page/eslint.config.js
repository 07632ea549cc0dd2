import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["**/node_modules/**"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2023, sourceType: "module" },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-console": "error",
      // Text of data may hold markup: it is set as text, never parsed.
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "set textContent" },
        { property: "outerHTML", message: "set textContent" },
        { property: "insertAdjacentHTML", message: "set textContent" },
      ],
    },
  },
  { files: ["townlet/report/page/**"], languageOptions: { globals: globals.browser } },
  { files: ["tests/report/page/**"], languageOptions: { globals: globals.node } },
];
