/** Hands bytes to the browser (or Electron's) download, under a suggested name. */
export function saveFile(fileName: string, bytes: Uint8Array | string, type = 'application/octet-stream'): void {
  const part = typeof bytes === 'string' ? bytes : Uint8Array.from(bytes)
  const url = URL.createObjectURL(new Blob([part], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = fileName
  link.click()
  // The download has its own reference by then; a minute covers a slow disk.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
