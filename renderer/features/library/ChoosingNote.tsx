import { useStore } from 'zustand'
import { useStudio } from '../../stores/studio.ts'
import { useSettled } from '../../stores/useSettled.ts'
import { Button } from '../../ui/Button.tsx'
import { formatCounted } from '../../ui/format.ts'
import { ProgressBar } from '../../ui/ProgressBar.tsx'

/** Shorter reading is not worth a word. */
const SHORT_MS = 200

/** Says that a range of the list is still being read, and what is done to it then. */
export function ChoosingNote() {
  const { library } = useStudio()
  const choosing = useStore(library, s => s.choosing)
  const isLong = useSettled(choosing !== null, SHORT_MS)
  return (
    <div className="Choosing" role="status">
      {choosing === null || !(isLong || choosing.next !== null) ? null : (
        <>
          <ProgressBar
            label={`Reading ${formatCounted(choosing.to - choosing.from + 1, 'entry', 'entries')} to choose them`}
            value={null}
            note={choosing.next === null ? 'Keys and buttons wait for them' : `then: ${choosing.next.label}`}
          />
          <Button size="s" onPress={() => library.getState().stopChoosing()}>
            Cancel
          </Button>
        </>
      )}
    </div>
  )
}
