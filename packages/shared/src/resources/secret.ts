/**
 * Schemas of Secret, ConfigMap and Namespace (v1). Only fields that are read are checked. A Secret may name files for
 * some of its values: secret-files.ts reads them.
 *
 * No message may show a value of a Secret: explain.ts prints none for this kind, and the texts here name none. Any thread.
 */
import { z } from 'zod';
import { ANNOTATIONS, type AnnotationsOf } from './annotations.js';
import { coreResource } from './metadata.js';
import { wrong } from './schema.js';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** White space, as YAML's block scalars leave it, is taken out. */
const base64 = z.string().transform((text, context) => {
  const packed = text.replace(/\s+/g, '');
  if (!BASE64.test(packed)) {
    const message = wrong('must be base64', 'plain text belongs into stringData (of a ConfigMap: data)');
    context.addIssue({ code: 'custom', message });
  }
  return packed;
});

const secretBody = {
  type: z.string().default('Opaque'),
  data: z.record(z.string(), base64).default({}),
  stringData: z.record(z.string(), z.string()).default({}),
};

/** The keys of a Secret that may stand in a file instead, by the fields of its annotations. */
export const FILE_KEYS = {
  certificateFile: 'tls.crt',
  keyFile: 'tls.key',
  caFile: 'ca.crt',
} as const satisfies Record<keyof AnnotationsOf<'Secret'>, string>;
export type FileField = keyof typeof FILE_KEYS;

/** A Secret has no spec: its fields are at the top. */
export const secretSchema = coreResource(secretBody, 'Secret').transform(
  ({ metadata, type, data, stringData }, context) => {
    for (const field of fileFields(metadata.annotations)) {
      const key = FILE_KEYS[field];
      const owner = [...Object.entries({ stringData, data })].find(([, values]) => Object.hasOwn(values, key))?.[0];
      if (owner === undefined) continue;
      const message = wrong(`names a file for ${key}, which is in ${owner} too`, 'remove one of the two');
      context.addIssue({ code: 'custom', path: ['metadata', 'annotations', ANNOTATIONS.Secret[field].key], message });
    }
    return { metadata, spec: { type, data, stringData } };
  },
);

/** Those of a Secret's annotations that name files. */
export function fileFields(annotations: AnnotationsOf<'Secret'>): FileField[] {
  return (Object.keys(FILE_KEYS) as FileField[]).filter((field) => annotations[field] !== undefined);
}

const configMapBody = {
  data: z.record(z.string(), z.string()).default({}),
  binaryData: z.record(z.string(), base64).default({}),
};

export const configMapSchema = coreResource(configMapBody).transform(({ metadata, data, binaryData }) => ({
  metadata,
  spec: { data, binaryData },
}));

/** Its labels are all that is read of a Namespace. */
export const namespaceSchema = coreResource({}).transform(({ metadata }) => ({ metadata, spec: {} }));

/** A file that a Secret names, as it was read. */
export interface SecretFile {
  /** Absolute. */
  readonly path: string;
  /** '' when it could not be read. */
  readonly text: string;
  /** Why it could not be read, and what would be right; '' when it was. */
  readonly fault: string;
  readonly hint: string;
  /** Others than its owner and group may read it, and so may they its folders. */
  readonly forEverybody: boolean;
}

/** `files`: of the keys that stand in files, once those have been read. */
export type SecretSpec = z.infer<typeof secretSchema>['spec'] & {
  readonly files?: Readonly<Partial<Record<FileField, SecretFile>>>;
};
export type ConfigMapSpec = z.infer<typeof configMapSchema>['spec'];
export type NamespaceSpec = z.infer<typeof namespaceSchema>['spec'];

/** What a Secret has under a key; `stringData` wins, as in Kubernetes. */
export function secretValue({ data, stringData }: SecretSpec, key: string): Buffer | undefined {
  const text = own(stringData, key);
  if (text !== undefined) return Buffer.from(text, 'utf8');
  const encoded = own(data, key);
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64');
}

/** What a ConfigMap has under a key. */
export function configMapValue({ data, binaryData }: ConfigMapSpec, key: string): Buffer | undefined {
  const text = own(data, key);
  if (text !== undefined) return Buffer.from(text, 'utf8');
  const encoded = own(binaryData, key);
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64');
}

function own(record: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
