/** A component's log. One line per message, on stderr; stdout belongs to the program's output. */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  child(component: string): Logger;
}

const levels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof levels)[number];

/** Writes `TIME LEVEL component: message key=value …` lines of at least `level`. */
export function createLogger(
  component: string,
  level: LogLevel = 'info',
  write: (line: string) => void = (line) => void process.stderr.write(line),
): Logger {
  const least = levels.indexOf(level);
  const at =
    (name: LogLevel) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      if (levels.indexOf(name) < least) return;
      const tail = Object.entries(fields)
        .map(
          ([key, value]) =>
            ` ${key}=${value instanceof Error ? value.message : typeof value === 'string' ? value : JSON.stringify(value)}`,
        )
        .join('');
      write(`${new Date().toISOString()} ${name.toUpperCase()} ${component}: ${message}${tail}\n`);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (name) => createLogger(`${component}/${name}`, level, write),
  };
}

export const silentLogger: Logger = createLogger('silent', 'error', () => {});
