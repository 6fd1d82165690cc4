import { Ban, Copy } from 'lucide-react'
import { useNavigate } from 'react-router'
import { studioLink } from '#shared/domain/studioLink.ts'
import type { Output } from '#shared/rpc/client.ts'
import { useUi } from '../../app/uiStore.ts'
import { useClient } from '../../stores/studio.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { KIND_LABEL } from '../../ui/CartridgeCard.tsx'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { formatBytes, formatRead } from '../../ui/format.ts'
import { Menu } from '../../ui/Menu.tsx'
import { toastDone, toastError } from '../../ui/toasts.tsx'

type Offer = Output<'share.browse'>['entries'][number]

/** A cartridge that a catalogue offers: what it knows, for which model, and what there is to do about it. */
export function OfferCard({ offer, catalogue }: { readonly offer: Offer; readonly catalogue: string }) {
  const client = useClient()
  const navigate = useNavigate()
  const { name, title, kind, packetId, publisher, questions, here, model } = offer
  const [asked] = questions
  const isHere = here !== null && !here.isOlder
  const review = () => {
    const entry = { catalogue, name }
    const offered = { name: title, from: offer.from, link: offer.link, asksFirst: false, entry, publisher }
    useUi.getState().setImports([offered])
  }
  const block = async () => {
    await client.call('share.block', { keyid: publisher.keyid, name: publisher.name, blocked: true })
    toastDone(`${publisher.name} is blocked`, 'Their cartridges are no longer shown. Catalogues takes it back.')
  }
  const copy = (text: string) => navigator.clipboard.writeText(text).then(() => toastDone('Copied', text), toastError)
  return (
    <article className="Cartridge Offer-card" aria-label={title}>
      <div className="Cartridge-face">
        <CartridgeFace digest={packetId} kind={kind} name={title} width={220} height={92} />
        <span className="Cartridge-kind">{KIND_LABEL[kind]}</span>
      </div>
      <div className="Cartridge-label">
        <div className="row Offer-title">
          <h3 className="Cartridge-name grow">
            <span className="truncate">{title}</span>
          </h3>
          <Menu
            label={`More about ${title}`}
            items={[
              {
                id: 'link',
                label: 'Copy a link to it',
                icon: <Copy aria-hidden />,
                disabled: catalogue === 'shipped',
                onAction: () => void copy(studioLink(/^[a-z]+:/.test(offer.from) ? offer.from : `oci://${offer.from}`)),
              },
              {
                id: 'block',
                label: `Block ${publisher.name}`,
                icon: <Ban aria-hidden />,
                danger: true,
                separated: true,
                onAction: () => void block().catch(toastError),
              },
            ]}
          />
        </div>
        <p className="truncate mono">{name}</p>
        {asked === undefined ? (
          <p className="Offer-asked" />
        ) : (
          <p className="Offer-asked">
            {asked.question} <b>{asked.answer}</b>
          </p>
        )}
        <dl>
          <div>
            <dt>read</dt>
            <dd>{formatRead(offer.tokens)}</dd>
          </div>
          <div>
            <dt>size</dt>
            <dd>{formatBytes(offer.bytes)}</dd>
          </div>
          <div>
            <dt>licence</dt>
            <dd>{offer.licence ?? 'none given'}</dd>
          </div>
        </dl>
        <div className="row">
          <Badge tone={offer.modelInstalled ? 'ok' : 'warn'}>
            {offer.modelInstalled ? model.name : `needs ${model.name}`}
          </Badge>
        </div>
        <div className="Offer-foot">
          <span className="small muted truncate grow">by {publisher.name}</span>
          {isHere ? (
            <Button
              size="s"
              onPress={() => navigate(`/ask/${encodeURIComponent(packetId)}`)}
              aria-label={`Ask ${title}`}
            >
              In your library
            </Button>
          ) : (
            <Button
              size="s"
              variant={here === null ? 'secondary' : 'primary'}
              onPress={review}
              aria-label={`Review ${title}`}
            >
              {here === null ? 'Review' : 'Review the update'}
            </Button>
          )}
        </div>
      </div>
    </article>
  )
}
