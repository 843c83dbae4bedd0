import { expect, it } from 'vitest';
import { commandLine, envWords, probeWords, resourceWords } from './container-words';

it('never shows the value of a secret', () => {
  expect(envWords({ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'credentials', key: 'token' } } })).toEqual({
    key: 'details.fromSecret',
    values: { name: 'credentials', key: 'token' },
  });
});
it('shows plain values as they are', () => {
  expect(envWords({ name: 'A', value: 'x' })).toEqual({ value: 'x' });
});
it('tells what a probe does', () => {
  expect(probeWords({ httpGet: { path: '/healthy', port: 8080 as never } })).toBe('GET http://:8080/healthy');
  expect(probeWords({ tcpSocket: { port: 5432 as never } })).toBe('TCP :5432');
  expect(probeWords({ exec: { command: ['cat', '/tmp/ok'] } })).toBe('cat /tmp/ok');
});
it('writes quantities in one form', () => {
  expect(resourceWords({ cpu: '0.5', memory: '1024Mi' })).toBe('cpu 500m, memory 1Gi');
});
it('quotes arguments with blanks', () => {
  expect(commandLine(['sh', '-c', "echo 'a b'"])).toBe(String.raw`sh -c 'echo '\''a b'\'''`);
});
