import Glibc
import NIOCore
import NIOPosix
import SansIO

/// An open UDP socket of the host.
struct DatagramPort {
  let channel: any Channel
  let address: TransportAddress
}

/// Turns what a UDP socket reads into arrivals; parked, it throws it away.
final class DatagramReceiver: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private unowned let driver: LiveDriver
  /// Whose socket it is now; nil while it is parked.
  var port: PortID?
  var local: TransportAddress

  init(_ driver: LiveDriver, local: TransportAddress) {
    self.driver = driver
    self.local = local
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    guard let port, let source = TransportAddress(envelope.remoteAddress) else { return }
    driver.isReading = true
    let bytes = Bytes(envelope.data)
    driver.tap.datagram(.received, from: source, to: local, bytes, .none)
    driver.tell(.datagram(port, from: source, bytes))
  }

  func channelReadComplete(context: ChannelHandlerContext) { driver.readCompleted() }

  /// An ICMP error or the like; UDP goes on.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}

extension LiveDriver {
  /// A datagram can be this long; NIO's own default cuts at 2,048 bytes.
  private static let slotSize = 65_536
  private static let slots = 8

  func bindDatagram(_ port: PortID, _ address: TransportAddress) {
    if let channel = parked.removeValue(forKey: address) {
      adopt(channel, port, address)
      return
    }
    opening.insert(port)
    DatagramBootstrap(group: eventLoop)
      .channelOption(.datagramVectorReadMessageCount, value: Self.slots)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.slots * Self.slotSize))
      .channelOption(.socketOption(.so_rcvbuf), value: 4_000_000)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(DatagramReceiver(self, local: address))
        }
      }
      .bind(to: address.socketAddress)
      .whenComplete { [self] result in
        opening.remove(port)
        switch result {
        case .success(let channel):
          let real = TransportAddress(channel.localAddress) ?? address
          if released.remove(port) != nil || isStopped { return park(channel, real) }
          adopt(channel, port, real)
        case .failure(let error):
          released.remove(port)
          let failure = BindFailure(error)
          tap.record(.bindFailed(address, failure))
          tell(.bindFailed(port, address, failure))
        }
      }
  }

  private func adopt(_ channel: any Channel, _ port: PortID, _ address: TransportAddress) {
    if let receiver = try? channel.pipeline.syncOperations.handler(type: DatagramReceiver.self) {
      receiver.port = port
      receiver.local = address
    }
    datagramPorts[port] = DatagramPort(channel: channel, address: address)
    tap.record(.bound(address, .datagram))
    // Not from within the host's own call.
    eventLoop.execute { [self] in
      if datagramPorts[port] != nil { tell(.bound(port, address)) }
    }
  }

  private func park(_ channel: any Channel, _ address: TransportAddress) {
    if let receiver = try? channel.pipeline.syncOperations.handler(type: DatagramReceiver.self) { receiver.port = nil }
    if isStopped || parked[address] != nil { channel.close(promise: nil) } else { parked[address] = channel }
  }

  func unbind(_ port: PortID) {
    if let open = datagramPorts.removeValue(forKey: port) {
      tap.record(.unbound(open.address, .datagram))
      park(open.channel, open.address)
    } else if let listener = listeners.removeValue(forKey: port) {
      if let address = TransportAddress(listener.localAddress) { tap.record(.unbound(address, .listener)) }
      listener.close(promise: nil)
    } else if opening.contains(port) {
      released.insert(port)
    }
  }

  func sendDatagram(_ port: PortID, _ destination: TransportAddress, _ bytes: Bytes, _ label: Label) {
    guard let open = datagramPorts[port] else { return }
    tap.datagram(.sent, from: open.address, to: destination, bytes, label)
    let buffer = bytes.withUnsafeBytes { raw in
      var buffer = open.channel.allocator.buffer(capacity: raw.count)
      buffer.writeBytes(raw)
      return buffer
    }
    write(AddressedEnvelope(remoteAddress: destination.socketAddress, data: buffer), to: open.channel)
  }
}
