import type { z } from "zod";
import { suggest } from "../errors.js";

/** Keys of a schema, with what they mean. */
type Shape = Readonly<Record<string, { readonly description?: string | undefined }>>;

/**
 * One sentence on what is wrong with a configuration: which key, what was expected, what came.
 * @param value the whole configuration
 * @param nameOf what the person calls a key
 */
export function explainIssue(
  issue: z.core.$ZodIssue,
  value: unknown,
  shape: Shape,
  nameOf: (key: string) => string,
): string {
  const [key, ...inside] = issue.path.map(String);
  const where = key === undefined ? "" : [nameOf(key), ...inside].join(".");
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(shape);
    return issue.keys.map((name) => `${where && `${where}.`}${name} is not a key. ${suggest(name, known)}`).join(" ");
  }
  const came = issue.path.reduce<unknown>(
    (inner, part) => (inner as Record<PropertyKey, unknown> | undefined)?.[part],
    value,
  );
  if (came === undefined && key !== undefined && inside.length === 0) {
    return `${where} is missing. ${shape[key]?.description ?? ""}`;
  }
  const got = (JSON.stringify(came) ?? String(came)).slice(0, 80);
  return `${where || "the configuration"}: expected ${expectation(issue)}, got ${got}.`;
}

/** Names of types as a person calls them. */
const kinds: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "an object",
  record: "an object",
  null: "null",
};

/** What a value should have been. */
function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return kinds[issue.expected] ?? issue.expected;
    case "too_small":
      return bound(issue.origin, issue.inclusive === false ? "above" : "at least", issue.minimum);
    case "too_big":
      return bound(issue.origin, issue.inclusive === false ? "below" : "at most", issue.maximum);
    case "invalid_value":
      return `${issue.values.length > 1 ? "one of " : ""}${issue.values.join(", ")}`;
    case "invalid_union":
      // Where one alternative came closest, its own complaint; the kind was right there.
      return [...new Set(issue.errors.map(([first]) => (first ? expectation(first) : "something else")))].join(", or ");
    default:
      return issue.message;
  }
}

function bound(origin: string, relation: string, limit: number | bigint): string {
  if (origin === "string")
    return limit === 1 ? "a text that is not empty" : `a text of ${relation} ${limit} characters`;
  if (origin === "array") return `a list of ${relation} ${limit}`;
  return `${origin === "int" ? "a whole number" : "a number"} ${relation === "at least" || relation === "at most" ? `of ${relation}` : relation} ${limit}`;
}
