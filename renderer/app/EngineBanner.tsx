import { TriangleAlert } from 'lucide-react'
import { useEngine } from '../stores/useEngine.ts'
import { Button } from '../ui/Button.tsx'

/** Says that the engine stopped, while it is not back. */
export function EngineBanner() {
  const { state, reason, check } = useEngine()
  if (state === 'ready' || state === 'starting') return null
  return (
    <div className={`EngineBanner EngineBanner--${state}`} role="alert">
      <TriangleAlert aria-hidden />
      <span className="grow">
        {state === 'restarting'
          ? 'The engine stopped and is being restarted. What was stored is safe.'
          : `The engine stopped and could not be restarted${reason === null ? '' : `: ${reason}`}. What was stored is safe.`}
      </span>
      <Button size="s" onPress={check}>
        Check again
      </Button>
    </div>
  )
}
