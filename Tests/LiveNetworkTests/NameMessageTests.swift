import Glibc
import SansIO
import Testing

@testable import LiveNetwork

/// A DNS answer made by hand.
private struct Answer {
  var bytes: [UInt8]

  /// The header and the question; the name of the question is at octet 12.
  init(id: [UInt8] = [0, 1], flags: [UInt8] = [0x81, 0x80], name: String, type: UInt8, answers: UInt8) {
    bytes = id + flags + [0, 1, 0, answers, 0, 0, 0, 0] + Self.name(name) + [0, type, 0, 1]
  }

  static func name(_ text: String) -> [UInt8] {
    text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
  }

  /// A record of the question's name, which a pointer says.
  mutating func add(type: UInt8, _ data: [UInt8]) {
    bytes += [0xC0, 12, 0, type, 0, 1, 0, 0, 0x0E, 0x10, UInt8(data.count >> 8), UInt8(data.count & 255)] + data
  }

  static var services: Answer {
    var answer = Answer(name: "_sip._udp.example.com", type: 33, answers: 2)
    answer.add(type: 33, [0, 10, 0, 60, 0x13, 0xC4] + name("a.example.com"))
    // `b` before the pointer to "example.com" within the question.
    answer.add(type: 33, [0, 20, 0, 0, 0x13, 0xC5, 1, 98, 0xC0, 22])
    return answer
  }
}

@Suite struct NameMessageTests {
  @Test func `SRV records are read, names by pointers as well (RFC 2782, RFC 1035 §4.1.4)`() {
    #expect(
      NameMessage(Answer.services.bytes).records == [
        NameRecord(.srv(priority: 10, weight: 60, port: 5_060, target: "a.example.com")),
        NameRecord(.srv(priority: 20, weight: 0, port: 5_061, target: "b.example.com")),
      ])
  }

  @Test func `NAPTR records are read (RFC 3403 §4.1)`() {
    var answer = Answer(name: "example.com", type: 35, answers: 1)
    let texts = ["s", "SIPS+D2T", ""].flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    answer.add(type: 35, [0, 1, 0, 2] + texts + Answer.name("_sips._tcp.example.com"))
    #expect(
      NameMessage(answer.bytes).records == [
        NameRecord(.naptr(order: 1, preference: 2, flags: "s", service: "SIPS+D2T", replacement: "_sips._tcp.example.com"))
      ])
  }

  @Test func `a target of one dot stays a dot: the service is not offered (RFC 2782)`() {
    var answer = Answer(name: "_sip._udp.example.com", type: 33, answers: 1)
    answer.add(type: 33, [0, 0, 0, 0, 0, 0, 0])
    #expect(NameMessage(answer.bytes).records == [NameRecord(.srv(priority: 0, weight: 0, port: 0, target: "."))])
  }

  @Test func `a message that is cut, or whose pointers lead in circles, has no more than the records before (RFC 1035 §4.1.4)`() {
    let whole = Answer.services.bytes
    for count in whole.indices { #expect(NameMessage(Array(whole[..<count])).records.count < 2) }
    var loop = Answer(name: "_sip._udp.example.com", type: 33, answers: 1)
    let here = UInt8(loop.bytes.count + 12 + 6)
    loop.add(type: 33, [0, 0, 0, 0, 0x13, 0xC4, 0xC0, here])
    #expect(NameMessage(loop.bytes).records.isEmpty)
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<20_000 {
      var broken = whole
      for _ in 0..<3 { broken[Int(generator.next() % UInt64(broken.count))] = UInt8(truncatingIfNeeded: generator.next()) }
      #expect(NameMessage(broken).records.count <= 65_535)
    }
  }

  @Test func `the system's resolver asks a name server for SRV, and a name without a dot nobody`() throws {
    let server = try Nameserver()
    defer { server.close() }
    let thread = Thread { server.answerOnce(with: Answer.services.bytes) }
    let answer = SystemResolver.answer(NameQuestion("_sip._udp.example.com", .srv), server: server.address)
    thread.join()
    guard case .records(let records) = answer else {
      Issue.record("\(answer)")
      return
    }
    #expect(records.count == 2)
    #expect(SystemResolver.answer(NameQuestion("_sip._udp.localhost", .srv), server: server.address) == .noSuchName)
  }
}

/// A socket that answers one DNS question.
private struct Nameserver {
  let descriptor: Int32
  let address: TransportAddress

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    var here = sockaddr_in()
    here.sin_family = sa_family_t(AF_INET)
    here.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let port = withUnsafeMutablePointer(to: &here) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> UInt16 in
        guard bind(descriptor, address, length) == 0, getsockname(descriptor, address, &length) == 0 else { return 0 }
        return UInt16(bigEndian: pointer.pointee.sin_port)
      }
    }
    try #require(port != 0)
    address = TransportAddress(.loopbackV4, port: port)
  }

  /// With the id of the question.
  func answerOnce(with answer: [UInt8]) {
    var question = [UInt8](repeating: 0, count: 512)
    var peer = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &peer) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard recvfrom(descriptor, &question, question.count, 0, address, &length) > 2 else { return }
        let bytes = Array(question[..<2]) + answer.dropFirst(2)
        sendto(descriptor, bytes, bytes.count, 0, address, length)
      }
    }
  }

  func close() { _ = Glibc.close(descriptor) }
}

/// A thread that is waited for.
private final class Thread {
  private var id = pthread_t()

  init(_ body: @escaping () -> Void) {
    let box = Unmanaged.passRetained(Box(body))
    pthread_create(
      &id, nil,
      { argument in
        if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, box.toOpaque())
  }

  func join() { pthread_join(id, nil) }

  private final class Box {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }
}
