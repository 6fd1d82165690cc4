import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** The window on its own, for a browser: relative asset paths, so that it opens from any origin and folder. */
export default defineConfig({
  base: './',
  plugins: [react()],
  build: { outDir: '../out/renderer', emptyOutDir: true, target: 'chrome120', assetsInlineLimit: 0 },
})
