/** Hands bytes to the person as a file. */
export function download(
  fileName: string,
  bytes: Uint8Array<ArrayBuffer> | Uint8Array,
  type = 'application/octet-stream',
): void {
  const url = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = fileName
  link.click()
  // The browser has taken the bytes once the click is handled; later is only to be safe.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
