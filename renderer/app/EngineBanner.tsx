import { TriangleAlert } from 'lucide-react'
import { useStore } from 'zustand'
import { useStudio } from '../stores/studio.ts'
import { Button } from '../ui/Button.tsx'

/** Says that the engine stopped, while it is not back. */
export function EngineBanner() {
  const { engine } = useStudio()
  const state = useStore(engine, s => s.state)
  const reason = useStore(engine, s => s.reason)
  if (state === 'ready' || state === 'starting') return null
  return (
    <div className={`EngineBanner EngineBanner--${state}`} role="alert">
      <TriangleAlert aria-hidden />
      <span className="grow">
        {state === 'restarting'
          ? 'The engine stopped and is being restarted. What was stored is safe.'
          : `The engine stopped and could not be restarted${reason === null ? '' : `: ${reason}`}. What was stored is safe.`}
      </span>
      <Button size="s" onPress={() => void engine.getState().refresh()}>
        Check again
      </Button>
    </div>
  )
}
