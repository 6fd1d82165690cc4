/**
 * One build for the window, its preload script and everything that runs in Node. Dependencies stay in node_modules:
 * only our own source is bundled, which keeps the build to seconds and native modules where they are.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'electron-vite'
import { setBuiltOf, sourceDigests } from './scripts/sourceDigests.mjs'

const at = (...path: string[]) => join(import.meta.dirname, ...path)

/** Entries by the name of their built file in out/main. */
const entries = {
  main: at('electron', 'shell', 'main.ts'),
  engine: at('electron', 'hosts', 'engineProcess', 'main.ts'),
  serve: at('electron', 'hosts', 'serve', 'main.ts'),
  cli: at('electron', 'hosts', 'cli', 'main.ts'),
  exportTrialChild: at('electron', 'engine', 'inference', 'exportTrialChild.ts'),
  tokenizerTrialWorker: at('electron', 'engine', 'models', 'tokenizer', 'tokenizerTrialWorker.ts'),
  hashWorker: at('electron', 'engine', 'store', 'hashWorker.ts'),
  extractWorker: at('electron', 'engine', 'documents', 'extractWorker.ts'),
  grammarWorker: at('electron', 'engine', 'inference', 'grammar', 'grammarWorker.ts'),
}
const needs: Readonly<Record<string, string>> = { engine: at('electron', 'engine', 'createEngine.ts') }
const present = Object.fromEntries(
  Object.entries(entries).filter(([name, file]) => existsSync(file) && existsSync(needs[name] ?? file)),
)

/** As the build found them: what changes while it runs is of the next. */
const sources = sourceDigests(import.meta.dirname)

export default defineConfig({
  // Built first.
  main: {
    plugins: [{ name: 'unfinished', buildStart: () => setBuiltOf(import.meta.dirname, null) }],
    build: {
      outDir: 'out/main',
      target: 'node24',
      minify: false,
      sourcemap: false,
      reportCompressedSize: false,
      externalizeDeps: true,
      rollupOptions: {
        input: present,
        // Flat, so that a module finds its neighbours through import.meta.dirname wherever it was bundled into.
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  },
  preload: {
    build: {
      outDir: 'out/preload',
      minify: false,
      reportCompressedSize: false,
      rollupOptions: {
        input: { preload: at('electron', 'preload', 'preload.ts') },
        // A sandboxed preload script can only be CommonJS.
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  // Built last.
  renderer: {
    root: at('renderer'),
    base: './',
    plugins: [react(), { name: 'finished', writeBundle: () => setBuiltOf(import.meta.dirname, sources) }],
    build: {
      outDir: at('out', 'renderer'),
      emptyOutDir: true,
      target: 'chrome120',
      // No data: URLs: every script, font and worker is a file of our own origin.
      assetsInlineLimit: 0,
      reportCompressedSize: false,
      rollupOptions: {
        input: at('renderer', 'index.html'),
        // zod tries `new Function` once, which the page's policy refuses and reports; told so, it does not try.
        output: { intro: 'globalThis.__zod_globalConfig ??= { jitless: true };' },
      },
    },
  },
})
