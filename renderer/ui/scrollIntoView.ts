/** For the `ref` of what appears below what was pressed, often under the edge of a small window. */
export function scrollIntoView(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: 'nearest' })
}
