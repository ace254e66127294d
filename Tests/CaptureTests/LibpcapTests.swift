import CPcap
import Glibc
import SansIO
import Testing

@testable import Capture

@Suite struct LibpcapTests {
  /// A classic pcap in nanoseconds, written by libpcap itself.
  private func dump(_ packets: [CapturedPacket], to path: String) throws {
    let handle = try #require(pcap_open_dead_with_tstamp_precision(DLT_RAW, 65_535, u_int(PCAP_TSTAMP_PRECISION_NANO)))
    defer { pcap_close(handle) }
    let dumper = try #require(pcap_dump_open(handle, path))
    for packet in packets {
      var header = pcap_pkthdr()
      header.ts.tv_sec = Int(packet.timestamp / 1_000_000_000)
      header.ts.tv_usec = Int(packet.timestamp % 1_000_000_000)
      header.caplen = UInt32(packet.bytes.count)
      header.len = UInt32(packet.originalLength)
      let bytes = packet.bytes.array
      pcap_dump(UnsafeMutableRawPointer(dumper).assumingMemoryBound(to: UInt8.self), &header, bytes)
    }
    pcap_dump_close(dumper)
  }

  private func read(_ path: String, filter: String = "") throws -> [CapturedPacket] {
    let capture = try ForeignCapture(path: path, filter: filter)
    var packets: [CapturedPacket] = []
    while let packet = try capture.next() { packets.append(packet) }
    return packets
  }

  private func three() throws -> [CapturedPacket] {
    try packets(
      in: capture([
        record(1, at: 7, "INVITE"),
        record(2, at: 1_000_000_001, from: alicePort, to: TransportAddress(bobPort.address, port: 40_000), "media"),
        record(3, at: 2_000_000_000, over: .tcp(TCPSegment(sequence: 1, acknowledgement: 1, flags: .ack)), from: aliceSix, to: bobSix, "x"),
      ])
    ).map { packet in
      var plain = packet
      plain.comments = []
      plain.direction = nil
      return plain
    }
  }

  @Test func `a classic pcap that libpcap wrote reads the same by libpcap and by our reader`() throws {
    let folder = TemporaryFolder()
    try dump(try three(), to: folder.file("classic.pcap"))
    #expect(try read(folder.file("classic.pcap")) == three())
    #expect(try packets(in: folder.read("classic.pcap")) == three())
  }

  @Test func `libpcap reads our pcapng, and its filter lets through what it names`() throws {
    let folder = TemporaryFolder()
    let path = folder.write(
      capture([
        record(1, at: 7), record(2, at: 8, to: TransportAddress(bobPort.address, port: 9)), record(3, at: 9, from: aliceSix, to: bobSix),
      ]), to: "a.pcapng")
    #expect(try read(path).map(\.timestamp) == [7, 8, 9].map { Epoch.virtual.unixNanoseconds + $0 })
    #expect(try read(path, filter: "udp port 5062").map { $0.timestamp % 1000 } == [7, 9])
    #expect(try read(path, filter: "ip6").count == 1)
  }

  @Test func `a filter is compiled, matched and, when wrong, explained`() throws {
    let packets = try three()
    let filter = try PacketFilter("udp and dst portrange 40000-41000")
    #expect(packets.map(filter.matches) == [false, true, false])
    #expect(try packets.map(PacketFilter("host 192.0.2.10").matches) == [true, true, false])
    #expect(filter.matches(Bytes()) == false)
    do {
      _ = try PacketFilter("udp port banana")
      Issue.record("the filter compiled")
    } catch {
      #expect(error.expression == "udp port banana" && error.description.contains("banana"))
    }
  }

  @Test func `a file that libpcap cannot open or read is an error in its words`() throws {
    let folder = TemporaryFolder()
    #expect(throws: ForeignCaptureError.self) { try ForeignCapture(path: folder.file("missing")) }
    #expect(throws: ForeignCaptureError.self) { try ForeignCapture(path: folder.write("no capture at all, but long enough", to: "text")) }
    let whole = capture([record(1), record(2)])
    let cut = try ForeignCapture(path: folder.write(whole[0..<whole.count - 80], to: "cut.pcapng"))
    #expect(try cut.next() != nil)
    #expect(throws: CaptureReadError.self) { try cut.next() }
    do {
      _ = try ForeignCapture(path: folder.write(whole, to: "a.pcapng"), filter: "nonsense")
      Issue.record("the filter compiled")
    } catch {
      guard case .filter(let reason) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(reason.expression == "nonsense")
    }
  }

  @Test func `an interface that is not there cannot be captured`() {
    #expect(throws: LiveCaptureError.self) { try LiveCapture(interface: "no-such-interface") }
  }

  @Test(.enabled(if: geteuid() == 0, "live capture needs raw sockets"))
  func `a datagram over loopback is captured without blocking`() throws {
    let socket = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(9).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let capture = try LiveCapture(interface: "lo", filter: "udp dst port 9 and udp[8:4] = 0x6b6c616c")
    #expect(try capture.next() == nil)
    let payload = Array("klal!".utf8)
    _ = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(socket, payload, payload.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    var ready = pollfd(fd: capture.fileDescriptor, events: Int16(POLLIN), revents: 0)
    #expect(poll(&ready, 1, 2000) == 1)
    let packet = try #require(try capture.next())
    guard case .transport(let decoded) = PacketDecoder.decode(packet) else {
      Issue.record("not decoded")
      return
    }
    #expect(decoded.destination == TransportAddress(.loopbackV4, port: 9) && packet.bytes[decoded.payload].text == "klal!")
  }
}
