import { describe, expect, it } from 'vitest';
import { applyJsonPatch, applyMergePatch } from './json-patch';

describe('JSON Patch', () => {
  it.each([
    [{ a: 1 }, [{ op: 'add', path: '/b', value: [1] }], { a: 1, b: [1] }],
    [{ a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
    [{ a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
    [{ a: 1 }, [{ op: 'replace', path: '/a', value: 2 }], { a: 2 }],
    [{ a: [1, 2] }, [{ op: 'remove', path: '/a/0' }], { a: [2] }],
    [{ a: { 'x/y': 1 } }, [{ op: 'remove', path: '/a/x~1y' }], { a: {} }],
    [{ a: 1 }, [{ op: 'move', from: '/a', path: '/b' }], { b: 1 }],
    [{ a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
    [{ a: 1 }, [{ op: 'test', path: '/a', value: 1 }], { a: 1 }],
    [{ a: 1 }, [{ op: 'add', path: '/b' }], { a: 1, b: null }],
    [{ a: 1 }, [{ op: 'replace', path: '/a' }], { a: null }],
  ])('%j %j', (document, patch, expected) => {
    expect(applyJsonPatch(structuredClone(document), patch)).toEqual(expected);
  });

  it.each([
    [[{ op: 'replace', path: '/x', value: 1 }]],
    [[{ op: 'remove', path: '/x' }]],
    [[{ op: 'test', path: '/a', value: 2 }]],
    [[{ op: 'add', path: '/a/b/c', value: 2 }]],
    [[{ op: 'add', path: '/list/9', value: 2 }]],
    [[{ op: 'turn', path: '/a' }]],
    [[{ op: 'add', path: '/__proto__', value: {} }]],
  ])('answers 422 to %j', (patch) => {
    expect(() => applyJsonPatch({ a: 1, list: [] }, patch)).toThrow(expect.objectContaining({ code: 422 }));
  });

  it('answers 400 to what is no patch', () => {
    expect(() => applyJsonPatch({}, { op: 'add' })).toThrow(expect.objectContaining({ code: 400 }));
    expect(() => applyJsonPatch({}, [{ path: '/a' }])).toThrow(expect.objectContaining({ code: 400 }));
  });
});

describe('merge patch', () => {
  it('merges objects, replaces the rest and takes away what is null', () => {
    const document = { a: { b: 1, c: 2 }, list: [1, 2], gone: true };
    expect(applyMergePatch(document, { a: { b: 3, d: { e: null, f: 1 } }, list: [3], gone: null })).toEqual({
      a: { b: 3, c: 2, d: { f: 1 } },
      list: [3],
    });
  });
});
