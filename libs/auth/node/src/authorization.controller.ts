import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod, RpcException } from '@nestjs/microservices';
import type { authGrpc } from '@derailed/shared/contract';
import { Code, type Clock, isSnowflake } from '@derailed/shared/kernel';
import { CLOCK } from '@derailed/platform/runtime';
import { TokenSigner } from './token-signer';

/** derailed.grpc.auth.Authorization: the contract is proto/derailed/grpc/auth/auth.proto. */
@Controller()
export class AuthorizationController {
  constructor(
    @Inject(TokenSigner) private readonly signer: TokenSigner,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @GrpcMethod('Authorization', 'create')
  create({ userId, password }: authGrpc.CreateToken): authGrpc.NewToken {
    if (!isSnowflake(userId)) throw invalid('user_id: must be a snowflake');
    if (password === '') throw invalid('password: must be the stored hash');
    return { token: this.signer.create(userId, password, this.clock.now()) };
  }

  /** Says no to whatever is not right, and never why. */
  @GrpcMethod('Authorization', 'validate')
  validate({ userId, password, token }: authGrpc.ValidateToken): authGrpc.Valid {
    return { valid: password !== '' && this.signer.validate(userId, password, token) };
  }
}

function invalid(message: string): RpcException {
  return new RpcException({ code: Code.INVALID_ARGUMENT, message });
}
