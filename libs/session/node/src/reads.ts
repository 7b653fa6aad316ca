import type { Logger } from '@derailed/platform/observability';
import { DatabaseUnavailable, UserRepository } from '@derailed/platform/persistence';
import { LOGGER } from '@derailed/platform/runtime';
import type { MemberRead, Readiness } from '@derailed/session/core';
import { unavailable } from '@derailed/shared/kernel';
import { Inject, Injectable } from '@nestjs/common';
import { MemberReader, type MemberPage } from './member-reader';
import { SessionMetrics } from './metrics';

/** What the core asks of the database. Answers come later, each to its callback, and never throw. */
@Injectable()
export class Reads {
  private readonly running = new Map<number, AsyncGenerator<MemberPage>>();

  constructor(
    @Inject(UserRepository) private readonly users: UserRepository,
    @Inject(MemberReader) private readonly members: MemberReader,
    @Inject(SessionMetrics) private readonly metrics: SessionMetrics,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @param answer gets null when there is no such user, undefined when the database is away */
  readiness(userId: string, answer: (readiness: Readiness | null | undefined) => void): void {
    this.users.readiness(userId).then(answer, (error: unknown) => {
      this.failed(error, 'a user could not be read');
      answer(undefined);
    });
  }

  /** @throws CallError UNAVAILABLE while the database is away */
  async guildCount(userId: string): Promise<number> {
    try {
      return await this.users.guildCount(userId);
    } catch (error) {
      this.failed(error, 'the guilds of a user could not be counted');
      throw unavailable('the database is away');
    }
  }

  startMembers(request: MemberRead, answer: (page: MemberPage | undefined) => void): void {
    this.running.set(request.read, this.members.pages(request));
    this.nextMembers(request.read, answer);
  }

  /** @param answer gets undefined when the database is away; no call when the read was stopped meanwhile */
  nextMembers(read: number, answer: (page: MemberPage | undefined) => void): void {
    const pages = this.running.get(read);
    if (pages === undefined) return;
    const settled = (page: MemberPage | undefined): void => {
      if (this.running.get(read) !== pages) return;
      if (page === undefined || page.last) this.running.delete(read);
      answer(page);
    };
    pages.next().then(
      ({ value }) => settled(value as MemberPage | undefined),
      (error: unknown) => {
        this.failed(error, 'members could not be read');
        settled(undefined);
      },
    );
  }

  stopMembers(read: number): void {
    this.running.delete(read);
  }

  private failed(error: unknown, what: string): void {
    this.metrics.databaseFailures.inc();
    // That the database is away is said once, by the persistence library.
    if (!(error instanceof DatabaseUnavailable)) this.logger.error({ err: error }, what);
  }
}
