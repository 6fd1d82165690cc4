import { X } from 'lucide-react'
import { type KeyboardEvent, useState } from 'react'
import { Button, Input, Label, Tag, TagGroup, TagList, TextField } from 'react-aria-components'

/** Short texts as chips; Enter (for tags a comma, too) adds what was typed, Delete or the cross takes one away. */
export function ChipEditor({
  label,
  addLabel,
  chips,
  maxLength,
  addsAt,
  onChange,
}: {
  readonly label: string
  readonly addLabel: string
  readonly chips: readonly string[]
  readonly maxLength: number
  readonly addsAt: readonly string[]
  readonly onChange: (chips: readonly string[]) => void
}) {
  const [text, setText] = useState('')
  function add(): void {
    const chip = text.trim().slice(0, maxLength)
    setText('')
    if (chip !== '' && !chips.includes(chip)) onChange([...chips, chip])
  }
  function onKeyDown(event: KeyboardEvent): void {
    if (!addsAt.includes(event.key)) return
    event.preventDefault()
    add()
  }
  return (
    <div className="ChipEditor">
      {chips.length === 0 ? null : (
        <TagGroup
          aria-label={label}
          onRemove={keys => onChange(chips.filter(chip => !keys.has(chip)))}
          selectionMode="none"
        >
          <TagList className="ChipEditor-list">
            {chips.map(chip => (
              <Tag key={chip} id={chip} textValue={chip} className="ChipEditor-chip">
                {chip}
                <Button slot="remove" className="ChipEditor-remove">
                  <X aria-hidden />
                </Button>
              </Tag>
            ))}
          </TagList>
        </TagGroup>
      )}
      <TextField value={text} onChange={setText} onKeyDown={onKeyDown} onBlur={add} maxLength={maxLength}>
        <Label className="visually-hidden">{addLabel}</Label>
        <Input className="ChipEditor-input" placeholder={addLabel} />
      </TextField>
    </div>
  )
}
