#!/usr/bin/env node
import { programEntry } from '@sluice/shared/cli/program';

await import(programEntry(import.meta.url));
