import { useState } from 'react'
import { Button } from '../../ui/Button.tsx'
import { ChatModelDialog } from './ChatModelDialog.tsx'

/** What to do after "I don't know.": how a starter wants to be asked, and a model that understands more. */
export function NoAnswer({ packetId }: { readonly packetId: string }) {
  const [getting, setGetting] = useState(false)
  return (
    <section className="NoAnswer" aria-label="What you can do">
      <p>
        This starter model copies short facts, in the words of the text. It may well hold the answer: ask for one fact
        at a time, such as <i>Who is the manager of …?</i> or <i>What is the code of …?</i>
      </p>
      <Button size="s" onPress={() => setGetting(true)}>
        Get a chat model
      </Button>
      <ChatModelDialog packetId={packetId} isOpen={getting} onClose={() => setGetting(false)} />
    </section>
  )
}
