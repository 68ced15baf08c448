import Testing

@testable import Fetching

@Suite("the scope of an address")
struct AddressScopeTests {
    @Test(
        "is public for addresses of the open net, up to the edge of the special blocks",
        arguments: [
            "1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
            "128.0.0.0", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255",
            "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.1", "192.88.98.255", "192.88.100.0",
            "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "203.0.114.0",
            "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "2001:4860:4860::8888", "2003::1",
            "::ffff:8.8.8.8", "64:ff9b::808:808",
        ])
    func open(text: String) throws {
        #expect(AddressScope(try #require(NetworkAddress(text))) == .global)
    }

    @Test(
        "is what the address is for otherwise",
        arguments: [
            ("127.0.0.1", .loopback), ("127.255.255.255", .loopback), ("::1", .loopback),
            ("10.0.0.1", .privateUse), ("172.16.0.0", .privateUse), ("172.31.255.255", .privateUse),
            ("192.168.255.255", .privateUse), ("fc00::1", .privateUse), ("fdff:ffff::1", .privateUse),
            ("fec0::1", .privateUse), ("169.254.0.1", .linkLocal), ("fe80::1", .linkLocal),
            ("100.64.0.0", .carrierNAT), ("100.127.255.255", .carrierNAT),
            ("169.254.169.254", .metadata), ("168.63.129.16", .metadata), ("100.100.100.200", .metadata),
            ("fd00:ec2::254", .metadata), ("::ffff:169.254.169.254", .metadata), ("64:ff9b::a9fe:a9fe", .metadata),
            ("::ffff:127.0.0.1", .loopback), ("64:ff9b::7f00:1", .loopback), ("::ffff:0.0.0.0", .reserved),
            ("192.0.0.1", .special), ("192.0.2.1", .special), ("192.88.99.1", .special), ("198.18.0.1", .special),
            ("198.19.255.255", .special), ("198.51.100.1", .special), ("203.0.113.254", .special),
            ("64:ff9b:1::7f00:1", .special), ("2001::1", .special), ("2001:2::1", .special), ("2001:20::1", .special),
            ("2001:db8::1", .special), ("2002:7f00:1::", .special), ("3fff::1", .special), ("100::1", .special),
            ("2606:4700::200:5efe:7f00:1", .special), ("2001:470:1f0b::5efe:a00:1", .special),
            ("224.0.0.1", .multicast), ("239.255.255.250", .multicast), ("ff02::1", .multicast),
            ("0.0.0.0", .reserved), ("240.0.0.1", .reserved), ("255.255.255.255", .reserved), ("::", .reserved),
            ("::7f00:1", .reserved), ("::8.8.8.8", .reserved), ("1::1", .reserved), ("4000::1", .reserved),
        ] as [(String, AddressScope)])
    func other(text: String, scope: AddressScope) throws {
        #expect(AddressScope(try #require(NetworkAddress(text))) == scope)
    }

    @Test("is asked of addresses only")
    func notAnAddress() {
        for text in ["", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4 ", "::1%lo", "[::1]", "localhost"] {
            #expect(NetworkAddress(text) == nil, "\(text)")
        }
    }

    @Test("is of an address that is written as usual")
    func description() throws {
        for text in ["1.2.3.4", "::1", "2606:4700::1111", "::ffff:1.2.3.4"] {
            #expect(try #require(NetworkAddress(text)).description == text)
        }
    }
}
