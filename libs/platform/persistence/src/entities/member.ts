import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { GuildRow, RoleRow } from './guild';
import { UserRow } from './user';

@Entity({ name: 'members', comment: 'Who is in which guild.' })
@Index('members_user_id', ['userId'])
@Index('members_guild_id_lower_nick', { synchronize: false })
export class MemberRow {
  @PrimaryColumn({ name: 'guild_id', type: 'bigint' })
  @ForeignKey(() => GuildRow, { onDelete: 'CASCADE' })
  guildId!: string;

  @PrimaryColumn({ name: 'user_id', type: 'bigint' })
  @ForeignKey(() => UserRow, { onDelete: 'CASCADE' })
  userId!: string;

  @Column({ type: 'text', nullable: true, comment: 'Name in this guild.' })
  nick!: string | null;

  @Column({ name: 'joined_at', type: 'timestamp with time zone', default: () => 'now()' })
  joinedAt!: Date;

  @Column({
    name: 'communication_disabled_until',
    type: 'timestamp with time zone',
    nullable: true,
    comment: 'End of a timeout; until then the member may only look.',
  })
  communicationDisabledUntil!: Date | null;
}

@Entity({ name: 'member_roles', comment: 'Roles of members, without everybody.' })
@ForeignKey(() => MemberRow, ['guildId', 'userId'] as const, ['guildId', 'userId'], { onDelete: 'CASCADE' })
@Index('member_roles_role_id', ['roleId'])
export class MemberRoleRow {
  @PrimaryColumn({ name: 'guild_id', type: 'bigint' })
  guildId!: string;

  @PrimaryColumn({ name: 'user_id', type: 'bigint' })
  userId!: string;

  @PrimaryColumn({ name: 'role_id', type: 'bigint', comment: 'A role of the same guild.' })
  @ForeignKey(() => RoleRow, { onDelete: 'CASCADE' })
  roleId!: string;
}
