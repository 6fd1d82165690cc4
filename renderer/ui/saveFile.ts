/** Hands bytes to the browser (or Electron's) download, under a suggested name. */
export function saveFile(fileName: string, bytes: Uint8Array | string | Blob, type = 'application/octet-stream'): void {
  const blob =
    bytes instanceof Blob ? bytes : new Blob([typeof bytes === 'string' ? bytes : Uint8Array.from(bytes)], { type })
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = fileName
  link.click()
  // The download has its own reference by then; a minute covers a slow disk.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
