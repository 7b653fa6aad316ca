import 'reflect-metadata';
import { run } from '@derailed/platform/runtime';
import { closedDoors, compose } from './compose';
import { settings } from './config';

void run({ name: 'gateway', settings, closed: closedDoors, assemble: compose });
