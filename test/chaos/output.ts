import type Docker from 'dockerode';

/** What a command in a running container says, with both outputs in one and carriage returns taken away. */
export async function output(engine: Docker, id: string, command: string[]): Promise<string> {
  const exec = await engine.getContainer(id).exec({ Cmd: command, AttachStdout: true, AttachStderr: true, Tty: true });
  let text = '';
  for await (const chunk of await exec.start({ Tty: true })) text += String(chunk);
  return text.replaceAll('\r', '');
}
