import { Tooltip } from './Tooltip.tsx'
import './tooltip.css'

/** Plain words for something that the field has a word for, which a hint on hover and focus tells. */
export function Term({ children, field }: { readonly children: string; readonly field: string }) {
  return (
    <Tooltip text={field} plain>
      <span className="Term" role="note">
        {children}
      </span>
    </Tooltip>
  )
}
