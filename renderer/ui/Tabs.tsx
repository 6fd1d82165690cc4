import type { ReactNode } from 'react'
import { Tabs as AriaTabs, Tab, TabList, TabPanel } from 'react-aria-components'
import './segmented.css'

export interface TabItem<T extends string> {
  readonly id: T
  readonly label: ReactNode
  readonly content: ReactNode
}

export interface TabsProps<T extends string> {
  readonly label: string
  readonly items: readonly TabItem<T>[]
  readonly value?: T
  readonly onChange?: (value: T) => void
}

/** Panels of one object, one shown at a time. Only the shown panel is mounted. */
export function Tabs<T extends string>({ label, items, value, onChange }: TabsProps<T>) {
  return (
    <AriaTabs
      className="Tabs"
      {...(value === undefined ? {} : { selectedKey: value })}
      onSelectionChange={key => {
        const chosen = items.find(item => item.id === key)
        if (chosen !== undefined) onChange?.(chosen.id)
      }}
    >
      <TabList className="Tabs-list" aria-label={label}>
        {items.map(item => (
          <Tab key={item.id} id={item.id} className="Tabs-tab">
            {item.label}
          </Tab>
        ))}
      </TabList>
      {items.map(item => (
        <TabPanel key={item.id} id={item.id} className="Tabs-panel">
          {item.content}
        </TabPanel>
      ))}
    </AriaTabs>
  )
}
