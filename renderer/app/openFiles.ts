/** Lets the person choose files; `accept` as in an input element. Nothing happens when the choice is abandoned. */
export function openFiles(accept: string, onFiles: (files: readonly File[]) => void): void {
  const input = document.createElement('input')
  input.type = 'file'
  input.accept = accept
  input.multiple = true
  input.hidden = true
  input.addEventListener('change', () => {
    if (input.files !== null && input.files.length > 0) onFiles([...input.files])
    input.remove()
  })
  input.addEventListener('cancel', () => input.remove())
  // In the document, so that tests and assistive technology can reach it.
  document.body.append(input)
  // Not click(): React Aria takes a click without a pointer for a screen reader's, and then leaves the focus outside what opens.
  input.showPicker()
}
