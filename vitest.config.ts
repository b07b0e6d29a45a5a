import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["test/**/*.test.ts"], pool: "forks", testTimeout: 180_000, reporters: ["default"] },
});
