import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { GuildRow } from './guild';

@Entity({ name: 'channels', comment: 'Channels, categories and threads of guilds.' })
@Index('channels_guild_id', ['guildId'])
export class ChannelRow {
  @PrimaryColumn({ type: 'bigint', comment: 'Snowflake.' })
  id!: string;

  @Column({ name: 'guild_id', type: 'bigint' })
  @ForeignKey(() => GuildRow, { onDelete: 'CASCADE' })
  guildId!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({
    type: 'integer',
    comment: '0 text, 2 voice, 4 category, 5 announcement, 10 to 12 threads, 13 stage.',
  })
  type!: number;

  @Column({ type: 'integer', default: 0 })
  position!: number;

  @Column({ type: 'text', nullable: true })
  topic!: string | null;

  @Column({
    name: 'parent_id',
    type: 'bigint',
    nullable: true,
    comment: 'The category, or for a thread its channel.',
  })
  @ForeignKey(() => ChannelRow, { onDelete: 'SET NULL' })
  parentId!: string | null;

  @Column({ name: 'last_message_id', type: 'bigint', nullable: true })
  lastMessageId!: string | null;
}

@Entity({ name: 'channel_overwrites', comment: 'What a channel allows or denies a role or a member.' })
export class ChannelOverwriteRow {
  @PrimaryColumn({ name: 'channel_id', type: 'bigint' })
  @ForeignKey(() => ChannelRow, { onDelete: 'CASCADE' })
  channelId!: string;

  @PrimaryColumn({ name: 'target_id', type: 'bigint', comment: 'A role of the guild, or a user.' })
  targetId!: string;

  @Column({ name: 'target_type', type: 'integer', comment: '0 role, 1 member.' })
  targetType!: number;

  @Column({ type: 'bigint', default: 0, comment: 'Bits.' })
  allow!: string;

  @Column({ type: 'bigint', default: 0, comment: 'Bits.' })
  deny!: string;
}
