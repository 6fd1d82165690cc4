import { X } from 'lucide-react'
import { type KeyboardEvent, useState } from 'react'
import { Button, Input, Label, Tag, TagGroup, TagList, TextField } from 'react-aria-components'

/** Tags as chips; Enter or a comma adds what was typed, Delete or the cross takes one away. */
export function TagEditor({
  tags,
  onChange,
}: {
  readonly tags: readonly string[]
  readonly onChange: (tags: readonly string[]) => void
}) {
  const [text, setText] = useState('')
  function add(): void {
    const tag = text.trim().slice(0, 60)
    setText('')
    if (tag !== '' && !tags.includes(tag)) onChange([...tags, tag])
  }
  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== 'Enter' && event.key !== ',') return
    event.preventDefault()
    add()
  }
  return (
    <div className="TagEditor">
      {tags.length === 0 ? null : (
        <TagGroup
          aria-label="Tags"
          onRemove={keys => onChange(tags.filter(tag => !keys.has(tag)))}
          selectionMode="none"
        >
          <TagList className="TagEditor-list">
            {tags.map(tag => (
              <Tag key={tag} id={tag} textValue={tag} className="TagEditor-tag">
                {tag}
                <Button slot="remove" className="TagEditor-remove">
                  <X aria-hidden />
                </Button>
              </Tag>
            ))}
          </TagList>
        </TagGroup>
      )}
      <TextField value={text} onChange={setText} onKeyDown={onKeyDown} onBlur={add} maxLength={60}>
        <Label className="visually-hidden">Add a tag</Label>
        <Input className="TagEditor-input" placeholder="Add a tag" />
      </TextField>
    </div>
  )
}
