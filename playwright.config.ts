import { defineConfig } from '@playwright/test'

/** The same specs in a browser window and in Electron; without Electron's program the latter are skipped, with the reason. */
export default defineConfig({
  testDir: 'test/e2e',
  testMatch: '*.spec.ts',
  outputDir: 'test-results',
  // Generous: a busy machine is no failure. What is waited for is always a condition.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  workers: 1,
  retries: 0,
  fullyParallel: false,
  forbidOnly: process.env.CI !== undefined,
  reporter: [['./test/reports/browser.ts'], ['failures']],
  projects: [{ name: 'browser' }, { name: 'electron' }],
})
