import { useCallback, useEffect, useRef, useState } from 'react'
import { toStatePackError } from '#shared/domain/error.ts'
import { useClient } from '../../stores/studio.ts'

/** A dropped file on its way to being text. */
export interface SourceFile {
  readonly id: number
  readonly name: string
  readonly bytes: number
  /** Null while it is being extracted, or when that failed. */
  readonly text: string | null
  /** How its text was made, for the recipe; null where it is taken as it is. */
  readonly extractor: string | null
  /** Of the file; null while that is not known, and for a PDF. */
  readonly encoding: string | null
  readonly error: unknown
}

export interface Sources {
  readonly files: readonly SourceFile[]
  readonly add: (files: readonly File[]) => void
  readonly remove: (id: number) => void
  readonly clear: () => void
}

let lastId = 0

/** The files of a new cartridge; the engine takes out their text, one after the other. */
export function useSources(): Sources {
  const client = useClient()
  const [files, setFiles] = useState<readonly SourceFile[]>([])
  const controllers = useRef(new Map<number, AbortController>())
  const line = useRef<Promise<void>>(Promise.resolve())

  const add = useCallback(
    (added: readonly File[]) => {
      for (const file of added) {
        lastId += 1
        const id = lastId
        const controller = new AbortController()
        controllers.current.set(id, controller)
        const entry = {
          id,
          name: file.name,
          bytes: file.size,
          text: null,
          extractor: null,
          encoding: null,
          error: null,
        }
        setFiles(before => [...before, entry])
        const settle = (part: Partial<SourceFile>) =>
          setFiles(before => before.map(entry => (entry.id === id ? { ...entry, ...part } : entry)))
        line.current = line.current.then(async () => {
          try {
            if (controller.signal.aborted) return
            const bytes = new Uint8Array(await file.arrayBuffer())
            settle(await client.call('documents.extract', { name: file.name, bytes }, { signal: controller.signal }))
          } catch (error) {
            settle({ error: toStatePackError(error) })
          }
        })
      }
    },
    [client],
  )
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
