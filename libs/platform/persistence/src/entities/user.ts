import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Entity({ name: 'users', comment: 'People and bots.' })
@Index('users_lower_username', { synchronize: false })
export class UserRow {
  @PrimaryColumn({ type: 'bigint', comment: 'Snowflake.' })
  id!: string;

  @Column({ type: 'text' })
  username!: string;

  @Column({ type: 'text', default: '0', comment: 'Four digits, or 0 where names are unique.' })
  discriminator!: string;

  @Column({ type: 'text', nullable: true, comment: 'Hash of the picture.' })
  avatar!: string | null;

  @Column({ type: 'text', nullable: true, comment: 'Shown to the user alone, in READY.' })
  email!: string | null;

  @Column({ type: 'text', comment: 'Hash of the password; handed to the auth service and to nobody else.' })
  password!: string;

  @Column({
    type: 'bigint',
    default: 0,
    comment: 'Bits below 2^53; 12 to 14 grant a bot privileged intents.',
  })
  flags!: string;

  @Column({ type: 'boolean', default: false })
  bot!: boolean;

  @Column({ type: 'boolean', default: false, comment: 'Speaks for the platform.' })
  system!: boolean;

  @Column({ type: 'boolean', default: false, comment: 'May not log in.' })
  suspended!: boolean;
}

@Entity({ name: 'settings', comment: 'What a user has chosen; at most one row each.' })
export class SettingsRow {
  @PrimaryColumn({ name: 'user_id', type: 'bigint' })
  @ForeignKey(() => UserRow, { onDelete: 'CASCADE' })
  userId!: string;

  @Column({ type: 'text', default: 'online', comment: 'Last chosen status: online, idle, dnd or invisible.' })
  status!: string;
}

@Entity({ name: 'activities', comment: 'What a user shows to be doing.' })
export class ActivityRow {
  @PrimaryColumn({ name: 'user_id', type: 'bigint' })
  @ForeignKey(() => UserRow, { onDelete: 'CASCADE' })
  userId!: string;

  @PrimaryColumn({
    type: 'integer',
    comment: '0 playing, 1 streaming, 2 listening, 3 watching, 4 custom, 5 competing.',
  })
  type!: number;

  @Column({ type: 'text' })
  content!: string;

  @PrimaryColumn({ name: 'created_at', type: 'timestamp with time zone', default: () => 'now()' })
  createdAt!: Date;
}
