import Glibc
import CallControl
import SIPMessage
import SIPTransport
import SansIO
import Testing

@testable import LiveNetwork

private let sendErrors: [SystemError] = [
  .invalidArgument, .networkUnreachable, .notPermitted, .accessDenied, .hostUnreachable, .messageTooLong, .noBufferSpace, .outOfMemory,
  .connectionRefused, .networkDown, .hostDown, .other(EBADF),
]

@Suite(.serialized, .timeLimit(.minutes(15))) struct SocketFaultTests {
  private func run(_ body: (FaultBench) async throws -> Void) async throws {
    let bench = try await FaultBench()
    try await body(bench)
    await bench.calls.settle(at: bench.baseline)
    #expect(bench.pending == 0)
    try await bench.stop()
  }

  @Test(arguments: sendErrors)
  func `a send that fails concerns its message alone: the next request over UDP is answered (RFC 3261 §18.4, RFC 8085 §5.2)`(
    error: SystemError
  ) async throws {
    try await run { bench in
      // The kernel tells an earlier datagram's error once, so a send is tried again before it counts as failed.
      bench.calls.fail(.send, error)
      let peer = PlainPeer()
      bench.send(bench.dialogue(peer.address).request("OPTIONS"), from: peer)
      let failure = await bench.failure()
      #expect(failure?.act == .send && failure?.error == error && failure?.remote == peer.address)
      #expect(failure?.subject == .response(status: 200, .options))
      #expect(bench.pingsByDatagram())
    }
  }

  @Test func `what does not fit into the socket's buffer now is sent when there is room`() async throws {
    try await run { bench in
      bench.calls.fail(.send, .wouldBlock)
      #expect(bench.pingsByDatagram())
    }
  }

  @Test(arguments: [
    SystemError.connectionRefused, .outOfMemory, .noBufferSpace, .invalidArgument, .notPermitted, .other(EIO), .interrupted,
  ])
  func `a read that fails is reported, and the datagram is read after it`(error: SystemError) async throws {
    try await run { bench in
      bench.calls.fail(.receive, error)
      #expect(bench.pingsByDatagram())
      let failure = await bench.failure()
      #expect(failure?.act == .receive && failure?.error == error)
      #expect(bench.pingsByDatagram())
    }
  }

  @Test(arguments: [
    SystemError.tooManyDescriptors, .tooManyOpenFiles, .noBufferSpace, .outOfMemory, .connectionAborted, .notPermitted, .protocolError,
    .networkDown, .hostUnreachable, .timedOut, .interrupted,
  ])
  func `a listener that cannot accept says so and comes back (accept(2))`(error: SystemError) async throws {
    try await run { bench in
      bench.calls.fail(.accept, error)
      // At the limit of descriptors the connection is taken and closed, so that its peer knows.
      let isRefused = error == .tooManyDescriptors || error == .tooManyOpenFiles
      #expect(bench.pingsByStream() == !isRefused)
      let failure = await bench.failure()
      #expect(failure?.act == .accept && failure?.error == error)
      #expect(bench.pingsByStream() && bench.pingsByDatagram())
    }
  }

  @Test(arguments: [SystemError.addressInUse, .accessDenied, .addressNotAvailable, .noBufferSpace, .outOfMemory])
  func `a media port that cannot be opened is reported to its leg, and the call gets the next one`(error: SystemError) async throws {
    try await run { bench in
      bench.calls.fail(.bind, error)
      let peer = PlainPeer()
      var dialog = try #require(bench.establish(peer))
      let event = await bench.next { if case .socketFailed = $0 { true } else { false } }
      guard case .socketFailed(let leg?, let failure)? = event else {
        Issue.record("no leg heard of it: \(String(describing: event))")
        return
      }
      #expect(failure.act == .bind && failure.error == error && leg.rawValue == 1)
      bench.send(dialog.bye(), from: peer)
      #expect(peer.status() == 200)
      #expect(bench.pingsByDatagram())
    }
  }

  @Test(arguments: [SystemError.tooManyDescriptors, .tooManyOpenFiles])
  func `a call for which no descriptor is left gets 503 with Retry-After (contract 8.1, step 8a)`(error: SystemError) async throws {
    try await run { bench in
      bench.calls.fail(.bind, error, error)
      let peer = PlainPeer()
      bench.invite(bench.dialogue(peer.address), from: peer)
      #expect(peer.status() == 503)
      #expect(await bench.failure()?.error == .tooManyDescriptors)
      #expect(bench.pingsByDatagram() && bench.pingsByStream())
    }
  }

  @Test func `at the limit of descriptors UDP is served, a call gets 503, a connection is refused, and all of it is reported`() async throws
  {
    try await run { bench in
      bench.calls.limit(to: 1)
      let peer = PlainPeer()
      bench.invite(bench.dialogue(peer.address), from: peer)
      #expect(peer.message { $0.status == 503 }?.has(.retryAfter) == true)
      #expect(await bench.failure()?.error == .tooManyDescriptors)
      #expect(!bench.pingsByStream())
      #expect(await bench.failure() == SocketFailure(.accept, local: bench.tcp, error: .tooManyDescriptors))
      #expect(bench.pingsByDatagram())
      bench.calls.limit(to: 65_536)
      #expect(bench.pingsByStream())
    }
  }

  @Test(arguments: [
    (FaultySockets.Site.read, SystemError.connectionReset), (.read, .timedOut), (.read, .hostUnreachable), (.write, .brokenPipe),
    (.write, .connectionReset), (.write, .notPermitted), (.write, .timedOut),
  ])
  func `a connection that breaks ends alone, and its end is reported`(site: FaultySockets.Site, error: SystemError) async throws {
    try await run { bench in
      bench.calls.fail(site, error)
      #expect(!bench.pingsByStream())
      _ = await bench.next { if case .connectionFailed = $0 { true } else { false } }
      #expect(bench.pingsByStream() && bench.pingsByDatagram())
    }
  }

  @Test(arguments: [
    (FaultySockets.Site.read, SystemError.noBufferSpace), (.read, .interrupted), (.write, .wouldBlock), (.write, .noBufferSpace),
    (.write, .outOfMemory), (.finish, .noBufferSpace),
  ])
  func `a want that passes costs a connection nothing`(site: FaultySockets.Site, error: SystemError) async throws {
    try await run { bench in
      bench.calls.fail(site, error)
      #expect(bench.pingsByStream())
      #expect(bench.pingsByDatagram())
    }
  }

  @Test(arguments: [FaultySockets.Site.connect, .finishConnecting])
  func `a connection that cannot be opened ends the call that wanted it and no more`(site: FaultySockets.Site) async throws {
    for error in [SystemError.networkUnreachable, .connectionRefused, .addressNotAvailable, .tooManyDescriptors, .notPermitted, .timedOut] {
      try await run { bench in
        bench.calls.fail(site, error)
        let uri = try SIPURI(parsing: "sip:x@127.0.0.1;transport=tcp")
        let target = SIPTarget(transport: .tcp, address: TransportAddress(.loopbackV4, port: 9))
        bench.driver.command { now, out in bench.endpoint.perform(.party(.call(CallRequest(uri: uri, target: target))), at: now, &out) }
        let event = await bench.next { if case .ended = $0 { true } else { false } }
        guard case .ended(_, .transportFailed, _)? = event else {
          Issue.record("\(error): \(String(describing: event))")
          return
        }
        #expect(bench.pingsByDatagram() && bench.pingsByStream())
      }
    }
  }
}
