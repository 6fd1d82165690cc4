import { type RefObject, useLayoutEffect, useState } from 'react'

/** The content width of an element in CSS pixels, followed while it is resized; 0 before the first layout. */
export function useElementWidth(ref: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const element = ref.current
    if (element === null) return
    const observer = new ResizeObserver(entries => {
      const box = entries[0]?.contentRect
      if (box !== undefined) setWidth(Math.floor(box.width))
    })
    observer.observe(element)
    setWidth(Math.floor(element.clientWidth))
    return () => observer.disconnect()
  }, [ref])
  return width
}
