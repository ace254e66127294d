import Glibc
import NIOCore
import NIOPosix
import SansIO
import Testing

@testable import LiveNetwork

@Suite(.serialized) struct LoopbackNetworkTests {
  private static let ports: [UInt16] = [5_060, 5_061]

  private func claim(_ size: LoopbackNetwork.Size = .twentyFour) throws -> LoopbackNetwork {
    try LoopbackNetwork.claim(size, addresses: [1, 2], ports: Self.ports)
  }

  @Test func `two that claim get two networks, and one that was let go is there again`() throws {
    var first: LoopbackNetwork? = try claim()
    let second = try claim()
    let (one, two) = (try #require(first).address(1), second.address(1))
    #expect(one != two)
    first = nil
    // Another test may have taken it meanwhile; that it can never be the second one's is what matters.
    let third = try claim()
    #expect(third.address(1) != two)
  }

  @Test(arguments: [false, true])
  func `a network of which one port is taken by UDP or TCP is passed over`(isTCP: Bool) async throws {
    var free: LoopbackNetwork? = try claim()
    let address = try #require(free).address(2)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let channel =
      isTCP
      ? try await ServerBootstrap(group: group).bind(host: address.description, port: 5_061).get()
      : try await DatagramBootstrap(group: group).bind(host: address.description, port: 5_061).get()
    free = nil
    let next = try claim()
    #expect(next.address(2) != address)
    try await channel.close()
    try await group.shutdownGracefully()
  }

  @Test func `networks of 24 and of 16 bits lie in 127/8 and never overlap`() throws {
    let (small, large) = (try claim(), try claim(.sixteen))
    #expect(small.address(0).low >> 24 == 127 && small.address(0).low & 0xFF == 0)
    #expect(large.address(0).low >> 24 == 127 && large.address(0).low & 0xFFFF == 0)
    #expect(small.address(0).low >> 16 != large.address(0).low >> 16)
  }

  @Test func `where no network has a port free the error names the port`() throws {
    // Bound on every address of this machine: a port of the kernel's choice.
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(descriptor) }
    let any = TransportAddress(.anyV4, port: 0)
    #expect(any.socketAddress.withSockAddr { bind(descriptor, $0, socklen_t($1)) } == 0)
    var storage = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    let port = UInt16(bigEndian: storage.sin_port)
    #expect(throws: LoopbackNetwork.Failure.noneFree(ports: [port])) {
      try LoopbackNetwork.claim(.sixteen, addresses: [1], ports: [port])
    }
  }
}
