import { TriangleAlert } from 'lucide-react'

interface SecretsNoticeProps {
  readonly secrets: readonly { readonly kind: string; readonly excerpt: string }[]
}

/** What in a cartridge looks like a secret; nothing when nothing does. */
export function SecretsNotice({ secrets }: SecretsNoticeProps) {
  if (secrets.length === 0) return null
  return (
    <div className="TrustNotice" role="note">
      <TriangleAlert aria-hidden />
      <div>
        <b>It seems to hold secrets.</b>
        <ul>
          {secrets.map(secret => (
            <li key={`${secret.kind} ${secret.excerpt}`}>
              {secret.kind}: <span className="mono">{secret.excerpt}</span>
            </li>
          ))}
        </ul>
      </div>
    </div>
  )
}
