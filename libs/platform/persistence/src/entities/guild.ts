import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { UserRow } from './user';

@Entity({ name: 'guilds', comment: 'Communities.' })
export class GuildRow {
  @PrimaryColumn({ type: 'bigint', comment: 'Snowflake.' })
  id!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text', nullable: true, comment: 'Hash of the picture.' })
  icon!: string | null;

  @Column({ name: 'owner_id', type: 'bigint', comment: 'A member, who may do everything.' })
  @ForeignKey(() => UserRow)
  ownerId!: string;

  @Column({
    type: 'bigint',
    default: 0,
    comment: 'What everybody may do where no role has the id of the guild.',
  })
  permissions!: string;

  @Column({ type: 'bigint', default: 0, comment: 'Bits below 2^53.' })
  flags!: string;
}

@Entity({ name: 'guild_positions', comment: "A user's order of guilds." })
export class GuildPositionRow {
  @PrimaryColumn({ name: 'user_id', type: 'bigint' })
  @ForeignKey(() => UserRow, { onDelete: 'CASCADE' })
  userId!: string;

  @PrimaryColumn({ name: 'guild_id', type: 'bigint' })
  @ForeignKey(() => GuildRow, { onDelete: 'CASCADE' })
  guildId!: string;

  @Column({ type: 'integer' })
  position!: number;
}

@Entity({ name: 'roles', comment: 'The role whose id is that of its guild is everybody.' })
@Index('roles_guild_id', ['guildId'])
export class RoleRow {
  @PrimaryColumn({ type: 'bigint', comment: 'Snowflake.' })
  id!: string;

  @Column({ name: 'guild_id', type: 'bigint' })
  @ForeignKey(() => GuildRow, { onDelete: 'CASCADE' })
  guildId!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'bigint', default: 0, comment: 'Bits.' })
  permissions!: string;

  @Column({ type: 'integer', default: 0 })
  position!: number;

  @Column({ type: 'integer', default: 0, comment: '0xRRGGBB.' })
  color!: number;

  @Column({ type: 'boolean', default: false, comment: 'Shown apart in the list of members.' })
  hoist!: boolean;
}
