import fc from "fast-check";
import { expect, it } from "vitest";
import { orderByConfusion } from "../../src/report/class-order.js";

it("is a permutation, whatever is confused", () => {
  const matrices = fc
    .integer({ min: 1, max: 9 })
    .chain((classes) =>
      fc.array(fc.nat(5), { minLength: classes ** 2, maxLength: classes ** 2 }).map((counts) => ({ classes, counts })),
    );
  fc.assert(
    fc.property(matrices, ({ classes, counts }) => {
      const order = orderByConfusion(Int32Array.from(counts), classes);
      expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: classes }, (_, i) => i));
    }),
  );
});

it("puts classes that are taken for one another side by side, and leaves others where they are", () => {
  const classes = 6;
  const counts = new Int32Array(classes ** 2);
  counts[0 * classes + 4] = 5;
  counts[4 * classes + 2] = 3;
  const order = orderByConfusion(counts, classes);
  expect([order.indexOf(0), order.indexOf(2)].map((at) => Math.abs(at - order.indexOf(4)))).toEqual([1, 1]);
  expect(orderByConfusion(new Int32Array(classes ** 2), classes)).toEqual([0, 1, 2, 3, 4, 5]);
});
