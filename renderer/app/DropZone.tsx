import { Download } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useNavigate } from 'react-router'
import { findBridge } from '../client/bridge.ts'
import { formatCount, formatCounted } from '../ui/format.ts'
import { toastError, toastNote } from '../ui/toasts.tsx'
import { type Dropped, droppedFiles } from './droppedFiles.ts'
import { useUi } from './uiStore.ts'

const isCartridge = (file: File) => /\.cartridge$/i.test(file.name)
const isModel = (file: File) => /\.gguf$/i.test(file.name)

/**
 * Anywhere in the window: dropped `.cartridge` files go to the review sheet, a `.gguf` file to Models, other files, those in
 * folders too, become sources of a new cartridge.
 */
export function DropZone() {
  const navigate = useNavigate()
  const [over, setOver] = useState(false)
  useEffect(() => {
    // Enter and leave fire for every element passed; only their balance says whether the drag is still over the window.
    let depth = 0
    const isFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
    const onEnter = (event: DragEvent) => {
      if (!isFiles(event)) return
      depth += 1
      setOver(true)
    }
    const onLeave = (event: DragEvent) => {
      if (!isFiles(event)) return
      depth = Math.max(0, depth - 1)
      if (depth === 0) setOver(false)
    }
    const onOver = (event: DragEvent) => {
      if (isFiles(event)) event.preventDefault()
    }
    const onDrop = (event: DragEvent) => {
      depth = 0
      setOver(false)
      if (!isFiles(event)) return
      event.preventDefault()
      if (event.dataTransfer !== null) droppedFiles(event.dataTransfer).then(take, toastError)
    }
    const take = ({ files, leftOut, cut }: Dropped) => {
      const cartridges = files.filter(isCartridge)
      const [model] = files.filter(isModel)
      const sources = files.filter(file => !isCartridge(file) && !isModel(file))
      if (cartridges.length > 0) useUi.getState().setImports(cartridges)
      if (model !== undefined) {
        useUi.getState().setModel(findBridge()?.pathOf(model) ?? '')
        void navigate('/models')
      } else if (sources.length > 0) {
        useUi.getState().setSources(sources)
        void navigate('/new')
      }
      if (cut)
        toastNote(
          'Not the whole folder',
          `It holds more than is taken at once: ${formatCounted(files.length, 'file')} were.`,
        )
      else if (files.length === 0) toastNote('Nothing to read', 'There are no text files in this folder.')
      else if (leftOut > 0) toastNote('Some files were left out', `${formatCount(leftOut)} that hold no text.`)
    }
    window.addEventListener('dragenter', onEnter)
    window.addEventListener('dragleave', onLeave)
    window.addEventListener('dragover', onOver)
    window.addEventListener('drop', onDrop)
    return () => {
      window.removeEventListener('dragenter', onEnter)
      window.removeEventListener('dragleave', onLeave)
      window.removeEventListener('dragover', onOver)
      window.removeEventListener('drop', onDrop)
    }
  }, [navigate])
  if (!over) return null
  return (
    <div className="DropZone" aria-hidden>
      <div>
        <Download />
        <b>Drop to open</b>
        <span>
          A .cartridge is reviewed before anything is written. A .gguf is added to Models. Text, PDF and other documents
          become a new cartridge.
        </span>
      </div>
    </div>
  )
}
