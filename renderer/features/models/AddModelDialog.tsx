import { useState } from 'react'
import { useTask } from '../../stores/useTask.ts'
import { ConfirmDialog } from '../../ui/ConfirmDialog.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { toastDone } from '../../ui/toasts.tsx'
import { TaskProgress } from '../inspect/TaskProgress.tsx'

/** Adds a model that already lies on a disk of the machine the engine runs on. `path`: what was dropped, if anything. */
export function AddModelDialog({ path, onClose }: { readonly path: string; readonly onClose: () => void }) {
  const task = useTask('models.add')
  const [folder, setFolder] = useState(path)
  const [name, setName] = useState('')
  const add = async () => {
    const model = await task.run({ folder: folder.trim(), ...(name.trim() === '' ? {} : { name: name.trim() }) })
    if (model === null) return false
    toastDone('Model added', model.name)
    return true
  }
  return (
    <ConfirmDialog
      title="Add a model"
      action="Add"
      size="m"
      isReady={folder.trim() !== ''}
      onConfirm={add}
      onClose={onClose}
    >
      <p className="muted">
        A folder as downloaded from the hub, a GGUF file, or the folder where LM Studio, Ollama or llama.cpp keep
        theirs: every model in it is found. Files stay where they are and are hashed once; of quantised weights the
        Studio writes one copy, rearranged for this engine, when the model is first used.
      </p>
      <TextField
        label="Folder or file"
        mono
        autoFocus
        value={folder}
        onChange={setFolder}
        placeholder="/home/ada/.lmstudio/models"
      />
      <TextField label="Name" value={name} onChange={setName} placeholder="The folder's or file's name" />
      {task.status === 'running' ? <TaskProgress progress={task.progress} fallback="Reading the headers" /> : null}
      {task.status === 'failed' ? <ErrorPanel error={task.error} /> : null}
    </ConfirmDialog>
  )
}
