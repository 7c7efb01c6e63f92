// Stores with one rule broken. A mutant is the real store with words of its real SQL replaced on the way to the
// driver: nothing in src knows of it. Words that are not found are an error, and so is a statement that never ran,
// so that a mutant can never quietly be the real store.
import type { SQL } from 'drizzle-orm';
import type { SqlConnection, SqlDatabase, SqlRunner } from '../../../src/store/sql/database.ts';
import type { CompiledSql, Dialect } from '../../../src/store/sql/dialect.ts';
import type { ParameterValues, Row, Statement } from '../../../src/store/sql/statement.ts';

interface Edit {
  /** The statement's name. */
  readonly statement: string;
  /** A parameter taken out of the text must stay somewhere: the server wants each one's type. */
  readonly find: RegExp;
  /** As for `String.replace`; `{schema}` is the quoted schema. */
  readonly replace: string;
}

type RowEdit = (statement: string, row: Row) => Row;

export interface Mutant {
  /** What it does wrong, as a verb phrase behind "a store that". */
  readonly name: string;
  readonly edits: readonly Edit[];
  /** What it adds to the schema, as SQL. */
  readonly ddl?: string;
  /** Makes a function that changes the rows that were read, for mutants that remember something between statements. */
  readonly rows?: () => RowEdit;
}

/** One mutant at work on one test's stores. */
export class Mutation {
  private readonly mutant: Mutant;
  private readonly schema: string;
  private readonly names = new WeakMap<SQL, string>();
  private readonly unmade: Set<Edit>;
  private readonly row: RowEdit;

  constructor(mutant: Mutant, schema: string) {
    this.mutant = mutant;
    this.schema = schema;
    this.unmade = new Set(mutant.edits);
    this.row = mutant.rows?.() ?? ((_, row) => row);
  }

  /** A dialect whose compiled texts are the mutant's. */
  dialect(real: Dialect): Dialect {
    return { ...real, compile: (query, name) => this.edit(this.names.get(query), real.compile(query, name)) };
  }

  database(real: SqlDatabase): SqlDatabase {
    return {
      dialect: real.dialect,
      all: (statement, parameters) => this.run(real, statement, parameters),
      transaction: (work) =>
        real.transaction((tx) => work({ all: (statement, values) => this.run(tx, statement, values) })),
      refreshStatistics: (tables) => real.refreshStatistics(tables),
    };
  }

  connection(real: SqlConnection): SqlConnection {
    return {
      get incarnation() {
        return real.incarnation;
      },
      lockKey: () => real.lockKey(),
      lockTold: (lockKey) => real.lockTold(lockKey),
      all: (statement, parameters) => this.run(real, statement, parameters),
    };
  }

  /** Throws unless every edit has been made in a statement that ran. */
  assertComplete(): void {
    const [edit] = this.unmade;
    if (edit) throw new Error(`mutant "${this.mutant.name}": statement ${edit.statement} never ran`);
  }

  private run<P extends ParameterValues, R>(
    runner: SqlRunner,
    statement: Statement<P, R>,
    parameters: P,
  ): Promise<R[]> {
    const { name } = statement;
    const named: Statement<P, R> = {
      name,
      build: (dialect) => {
        const query = statement.build(dialect);
        this.names.set(query, name);
        return query;
      },
      read: (row) => statement.read(this.row(name, row)),
    };
    return runner.all(named, parameters);
  }

  private edit(name: string | undefined, compiled: CompiledSql): CompiledSql {
    let { text } = compiled;
    for (const edit of this.mutant.edits.filter(({ statement }) => statement === name)) {
      if (!edit.find.test(text)) {
        throw new Error(`mutant "${this.mutant.name}": ${String(edit.find)} is not in ${name}: ${text}`);
      }
      text = text.replace(edit.find, edit.replace.replaceAll('{schema}', this.schema));
      this.unmade.delete(edit);
    }
    return { ...compiled, text };
  }
}
