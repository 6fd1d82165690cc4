import { GripVertical } from 'lucide-react'
import { type DragEvent, useEffect, useRef, useState } from 'react'
import { writeCartridges } from '../../app/cartridgeDrag.ts'
import { useClient } from '../../stores/studio.ts'
import { formatBytes } from '../../ui/format.ts'
import { toastDone, toastError } from '../../ui/toasts.tsx'
import { exportFile } from './exportFile.ts'
import type { Leaving } from './LeavingChoices.tsx'

/**
 * A handle to drag a cartridge out as a file. A drag must have its bytes when it begins, so they are prepared when the
 * handle is first pressed; the button beside it is the way without a mouse.
 */
export function DragOut({
  packetId,
  leaving,
  name,
  bytes,
}: {
  readonly packetId: string
  readonly leaving: Leaving
  readonly name: string
  readonly bytes: number
}) {
  const client = useClient()
  const [file, setFile] = useState<{ readonly url: string; readonly fileName: string } | null>(null)
  const preparing = useRef(false)
  useEffect(
    () => () => {
      if (file !== null) URL.revokeObjectURL(file.url)
    },
    [file],
  )

  function prepare(): void {
    if (file !== null || preparing.current) return
    preparing.current = true
    exportFile(client, { ref: packetId, ...leaving }).then(
      result => {
        setFile({ url: URL.createObjectURL(result.file), fileName: result.fileName })
      },
      error => {
        preparing.current = false
        toastError(error)
      },
    )
  }
  function onDragStart(event: DragEvent): void {
    if (file === null) {
      event.preventDefault()
      toastDone('The file is ready', 'Drag it once more.')
      return
    }
    writeCartridges(event.dataTransfer, [packetId])
    event.dataTransfer.setData('DownloadURL', `application/octet-stream:${file.fileName}:${file.url}`)
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a mouse-only shortcut; Export does the same by keyboard
    <div
      className="DragOut"
      draggable
      onPointerDown={prepare}
      onDragStart={onDragStart}
      title={`Drag ${name} out as a file`}
    >
      <GripVertical aria-hidden />
      <span>Drag out as a file</span>
      <span className="grow" />
      <span className="muted">about {formatBytes(bytes)}</span>
    </div>
  )
}
