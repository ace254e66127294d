import SansIO
import Testing

@testable import Personas

@Suite struct ClientHelloTests {
  /// A ClientHello with one cipher suite and these extensions (RFC 8446 §4.1.2).
  private func hello(_ extensions: [UInt8]) -> Bytes {
    var body: [UInt8] = [3, 3] + [UInt8](repeating: 7, count: 32) + [0, 0, 2, 0x13, 0x01, 1, 0]
    body += [UInt8(extensions.count >> 8), UInt8(extensions.count & 255)] + extensions
    let message: [UInt8] = [1, 0, UInt8(body.count >> 8), UInt8(body.count & 255)] + body
    return Bytes([22, 3, 1, UInt8(message.count >> 8), UInt8(message.count & 255)] + message)
  }

  /// server_name with one host_name (RFC 6066 §3).
  private func serverName(_ name: String) -> [UInt8] {
    let count = UInt8(name.utf8.count)
    return [0, 0, 0, count + 5, 0, count + 3, 0, 0, count] + Array(name.utf8)
  }

  @Test func `the server's name is read wherever its extension is (RFC 6066 §3)`() {
    #expect(ClientHello(hello(serverName("sip.example.com")))?.serverName == "sip.example.com")
    #expect(ClientHello(hello([0, 23, 0, 0, 0, 11, 0, 2, 1, 0] + serverName("a.example")))?.serverName == "a.example")
  }

  @Test func `a hello without a name is one all the same, and other bytes are none`() {
    #expect(ClientHello(hello([0, 23, 0, 0]))?.serverName == nil)
    #expect(ClientHello(hello([0, 23, 0, 0])) != nil)
    #expect(ClientHello(Bytes("OPTIONS sip:a SIP/2.0\r\n")) == nil)
    #expect(ClientHello(Bytes([22, 3, 1, 0])) == nil)
  }

  @Test func `a hello that is cut anywhere crashes nothing`() {
    let whole = hello(serverName("sip.example.com"))
    for count in 0...whole.count { _ = ClientHello(whole.prefix(count)) }
  }
}
