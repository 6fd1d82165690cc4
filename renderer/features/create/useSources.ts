import { useCallback, useEffect, useRef, useState } from 'react'
import { toStatePackError } from '#shared/domain/error.ts'
import { extractText } from './extract/extractText.ts'

/** A dropped file on its way to being text. */
export interface SourceFile {
  readonly id: number
  readonly name: string
  readonly bytes: number
  /** Null while it is being extracted, or when that failed. */
  readonly text: string | null
  readonly error: unknown
}

export interface Sources {
  readonly files: readonly SourceFile[]
  readonly add: (files: readonly File[]) => void
  readonly remove: (id: number) => void
  readonly clear: () => void
}

let lastId = 0

/** The files of a new cartridge, extracted one after the other off the window's thread. */
export function useSources(): Sources {
  const [files, setFiles] = useState<readonly SourceFile[]>([])
  const controllers = useRef(new Map<number, AbortController>())
  const line = useRef<Promise<void>>(Promise.resolve())

  const add = useCallback((added: readonly File[]) => {
    for (const file of added) {
      lastId += 1
      const id = lastId
      const controller = new AbortController()
      controllers.current.set(id, controller)
      setFiles(before => [...before, { id, name: file.name, bytes: file.size, text: null, error: null }])
      const settle = (part: Partial<SourceFile>) =>
        setFiles(before => before.map(entry => (entry.id === id ? { ...entry, ...part } : entry)))
      line.current = line.current.then(async () => {
        try {
          settle({ text: await extractText(file, controller.signal) })
        } catch (error) {
          settle({ error: toStatePackError(error) })
        }
      })
    }
  }, [])
  const remove = useCallback((id: number) => {
    controllers.current.get(id)?.abort()
    setFiles(before => before.filter(entry => entry.id !== id))
  }, [])
  const clear = useCallback(() => {
    for (const controller of controllers.current.values()) controller.abort()
    setFiles([])
  }, [])
  useEffect(() => {
    const running = controllers.current
    return () => {
      for (const controller of running.values()) controller.abort()
    }
  }, [])
  return { files, add, remove, clear }
}
