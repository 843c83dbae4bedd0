import { Lexer, Parser } from 'yaml';

/** How deep a document may nest: the parser recurses, and a stack that overflows inside a regular expression ends the process. */
const maxDepth = 200;

/**
 * How many anchors and aliases a text may have. The parser looks for an alias's
 * anchor among all of them: tens of thousands would hold everyone for minutes.
 */
const maxReferences = 2000;

/** How many words and signs a text may have: some ten times those of the largest object that can be stored. */
const maxLexemes = 1_000_000;

/** What a YAML text has too much of to be parsed safely, and where. */
export interface YamlExcess {
  message: string;
  /** Offset in the text. */
  offset: number;
}

/** Looks a text over, without recursion and in linear time, before it is given to the YAML parser. */
export function yamlExcess(text: string): YamlExcess | undefined {
  const parser = new Parser();
  let references = 0;
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme.length > 1 && (lexeme[0] === '&' || lexeme[0] === '*')) references++;
    if (++lexemes > maxLexemes) return { message: 'it is too large', offset: parser.offset };
    for (const _ of parser.next(lexeme));
    if (references > maxReferences) {
      return { message: `more than ${maxReferences} anchors and aliases`, offset: parser.offset };
    }
    if (parser.stack.length > maxDepth) {
      return { message: `it nests deeper than ${maxDepth} levels`, offset: parser.offset };
    }
  }
  return undefined;
}
